//! The command line of this program.
use common::testing::run;

use crate::FRONTEND;

#[tokio::test]
async fn a_wrong_backend_stops_the_start() {
    let ended = run(FRONTEND, &[], &[("BACKEND_URL", "https://api.example.org")]).await;
    assert_eq!(ended.code, Some(2));
    let expected = "BACKEND_URL from the environment is \"https://api.example.org\" and must be a URL of \
                    the form http://host:port";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}
