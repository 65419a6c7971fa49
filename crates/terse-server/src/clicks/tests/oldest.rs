//! How old the oldest click is that waits.

use super::*;

#[tokio::test]
async fn the_oldest_click_is_the_first_that_the_store_does_not_have() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    assert_eq!(shipper.oldest_unshipped(), None, "nothing waits");
    // Several segments.
    append_all(&journal, 0..500);
    assert_eq!(shipper.oldest_unshipped(), Some(click(0).at));
    shipper.ship_all().await.expect("the store is there");
    assert_eq!(shipper.oldest_unshipped(), None, "everything is shipped");
    append_all(&journal, 500..510);
    assert_eq!(shipper.oldest_unshipped(), Some(click(500).at));
}
