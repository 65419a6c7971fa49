//! A segment file in memory: the only module whose `unsafe` touches memory.
//!
//! The invariant: bytes below `published` never change again, and only the one [`MapWriter`] touches those above.
//! Readers get slices that end at `published`, so that no byte is ever written and read at the same time. What
//! another process does to the file is outside of Rust's model, as with every memory map: the data directory is
//! locked by the server, and the file is preallocated and never shortened, so that no access can raise SIGBUS.

#![expect(
    unsafe_code,
    reason = "a memory map survives kill -9 at the price of a memcpy; see the header above"
)]

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, compiler_fence};

use memmap2::{MmapOptions, MmapRaw};

use crate::clicks::frame::{ALIGNMENT_BYTES, FRAME_HEAD_BYTES};

/// How much of a new segment is brought into memory ahead; the rest comes page by page.
#[cfg(target_os = "linux")]
const PRETOUCH_BYTES: usize = 256 << 10;

/// A mapped file, for reading what was published.
#[derive(Debug)]
pub(in crate::clicks) struct Map {
    raw: MmapRaw,
    published: AtomicUsize,
}

/// The one who may append to a map. Cannot be cloned, and is made together with its map.
#[derive(Debug)]
pub(in crate::clicks) struct MapWriter {
    map: Arc<Map>,
    end: usize,
}

impl Map {
    /// Maps the first `bytes` of `file`, of which the first `published` are readable already.
    pub(in crate::clicks) fn open(file: &File, bytes: usize, published: usize) -> io::Result<MapWriter> {
        assert!(
            published <= bytes && published.is_multiple_of(ALIGNMENT_BYTES),
            "a header is whole and aligned"
        );
        let raw = MmapOptions::new().len(bytes).map_raw(file)?;
        // Not every kernel and file system can; then the first appends wait for their pages, and that is all.
        #[cfg(target_os = "linux")]
        let _ = raw.advise_range(memmap2::Advice::PopulateWrite, 0, PRETOUCH_BYTES.min(bytes));
        let map = Arc::new(Self {
            raw,
            published: AtomicUsize::new(published),
        });
        Ok(MapWriter { map, end: published })
    }

    /// What was published so far, from the beginning of the file.
    pub(in crate::clicks) fn published(&self) -> &[u8] {
        let end = self.published.load(Ordering::Acquire);
        // SAFETY: `end` is at most the map's length (`MapWriter::append` checks it); the bytes below it were
        // written before the Release store that this Acquire load has read, and nobody writes them again.
        unsafe { std::slice::from_raw_parts(self.raw.as_ptr(), end) }
    }
}

impl MapWriter {
    /// The map that is written.
    pub(in crate::clicks) fn map(&self) -> &Arc<Map> {
        &self.map
    }

    /// How far it is written.
    pub(in crate::clicks) fn end(&self) -> usize {
        self.end
    }

    /// How many bytes are left.
    pub(in crate::clicks) fn room(&self) -> usize {
        self.map.raw.len() - self.end
    }

    /// Appends a frame of `bytes` bytes: stores `length`, lets `fill` write what is behind the head, and then stores the checksum
    /// that it gives. Whoever finds the file after the process was killed sees the whole frame, or one without a checksum.
    ///
    /// # Panics
    /// `bytes` is more than [`Self::room`], or no multiple of the alignment.
    pub(in crate::clicks) fn append(
        &mut self,
        bytes: usize,
        length: u32,
        fill: impl FnOnce(&mut [u8]) -> u32,
    ) {
        assert!(
            bytes <= self.room() && bytes >= FRAME_HEAD_BYTES && bytes.is_multiple_of(ALIGNMENT_BYTES),
            "the caller has asked for room, and frames are aligned"
        );
        // SAFETY: `end + bytes` is within the map by the assertion.
        let frame = unsafe { self.map.raw.as_mut_ptr().add(self.end) };
        #[expect(
            clippy::cast_ptr_alignment,
            reason = "aligned: a page plus a multiple of eight"
        )]
        let head = frame.cast::<u32>();
        // SAFETY: the map begins at a page and `end` is a multiple of eight, so the pointer is aligned; it is valid
        // for as long as the map is, and nothing else refers to these four bytes.
        let length_field = unsafe { AtomicU32::from_ptr(head) };
        // SAFETY: as above; the assertion says that the frame has a second field.
        let checksum_field = unsafe { AtomicU32::from_ptr(head.add(1)) };
        length_field.store(length.to_le(), Ordering::Relaxed);
        // The compiler must not move what follows before it. The processor may, but not across the end of a process:
        // that comes between two instructions, and all stores before it arrive.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: within the map as above; the range is above `published`, where readers have no slices, and
        // `&mut self` of the only writer makes this the only reference into it.
        let checksum = fill(unsafe {
            std::slice::from_raw_parts_mut(frame.add(FRAME_HEAD_BYTES), bytes - FRAME_HEAD_BYTES)
        });
        // Release: neither compiler nor processor may move the frame's other bytes behind its checksum.
        checksum_field.store(checksum.to_le(), Ordering::Release);
        self.end += bytes;
        self.map.published.store(self.end, Ordering::Release);
    }
}
