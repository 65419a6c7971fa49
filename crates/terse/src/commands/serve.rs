//! `terse serve`.

use terse_server::config::{Config, RawConfig};
use terse_server::server::Server;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::{LogFormat, ServeArgs};
use crate::failure::Failure;
use crate::traces::Traces;
use crate::{logging, output, runtime};

/// Serves until told to stop; logs what `filter` lets through.
pub(super) fn run(args: ServeArgs, filter: &str, format: LogFormat) -> Result<(), Failure> {
    let config = Config::resolve(RawConfig::from(args))?;
    let traces = config.traces_url.as_ref().map(Traces::start).transpose()?;
    logging::start(filter, format, traces.as_ref())?;
    let runtime = runtime::runtime()?;
    let served = runtime.block_on(serve(config));
    // After a second signal nothing is waited for.
    runtime.shutdown_background();
    if let Some(traces) = traces.filter(|_| served.is_ok()) {
        traces.finish();
    }
    served
}

async fn serve(config: Config) -> Result<(), Failure> {
    // Before the line is printed: who reads it may send a signal at once.
    let mut signals = Signals::listen()?;
    let data_dir = config.data_dir.display().to_string();
    let server = Server::start(config, runtime::clock(), runtime::random()?).await?;
    output::result(format_args!(
        "terse {} listening on http://{} (data in {data_dir})",
        env!("CARGO_PKG_VERSION"),
        server.address(),
    ))?;
    let (stop, stopped) = oneshot::channel();
    let running = server.run(async {
        // The sender is only dropped after it has sent.
        let _ = stopped.await;
    });
    let twice_signalled = async {
        signals.next().await;
        // Fails when the server has ended already.
        let _ = stop.send(());
        signals.next().await;
    };
    tokio::select! {
        () = running => Ok(()),
        () = twice_signalled => Err(Failure::new("stopped at once by a second signal: requests under way were cut off")),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
