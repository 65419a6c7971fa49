use axum::body::Body;
use http::{Method, StatusCode};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::test_app::{Answer, TestApp, request};

const FILE: &str = "id,username,email,created_at
7,ada,ada@example.com,2025-01-02 03:04:05
8,grace,grace@example.com,2025-01-02 03:04:05
9,ada,other@example.com,2025-01-02 03:04:05
10,ADA,ADA@example.com,2025-01-02 03:04:05
11,nobody,no address,2025-01-02 03:04:05
";

async fn upload(app: &TestApp, field: &str, content: &[u8]) -> Answer {
    let head =
        format!("--x\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"users.csv\"\r\n\r\n");
    let body = [head.as_bytes(), content, b"\r\n--x--\r\n"].concat();
    let request =
        request(Method::POST, "/users/bulk").header("content-type", "multipart/form-data; boundary=x");
    app.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn users_come_from_an_uploaded_file_and_bad_rows_are_named() {
    let app = TestApp::new().await;
    assert_json_snapshot!(upload(&app, "file", FILE.as_bytes()).await.json(StatusCode::CREATED), @r#"
    {
      "count": 2,
      "imported": 2,
      "inserted": 2,
      "skipped": [
        {
          "row": 4,
          "reason": "username already exists"
        },
        {
          "row": 5,
          "reason": "email already exists"
        },
        {
          "row": 6,
          "reason": "Invalid email format"
        }
      ]
    }
    "#);
    assert_json_snapshot!(app.get("/users").await.json(StatusCode::OK), @r#"
    [
      {
        "id": 7,
        "username": "ada",
        "email": "ada@example.com",
        "created_at": "2025-01-02T03:04:05Z"
      },
      {
        "id": 8,
        "username": "grace",
        "email": "grace@example.com",
        "created_at": "2025-01-02T03:04:05Z"
      }
    ]
    "#);
    let again = upload(&app, "file", FILE.as_bytes())
        .await
        .json(StatusCode::CREATED);
    assert_eq!(
        (&again["count"], again["skipped"].as_array().map(Vec::len)),
        (&json!(0), Some(5))
    );
    assert_eq!(
        app.user("next").await,
        9,
        "fresh ids come after the imported ones"
    );
}

#[tokio::test]
async fn a_file_needs_no_more_than_names_and_addresses() {
    let app = TestApp::new().await;
    app.user("first").await;
    let report = upload(
        &app,
        "file",
        "email,username\r\nb@example.com,\"b, \"\"the second\"\"\"\r\n".as_bytes(),
    )
    .await;
    assert_eq!(report.json(StatusCode::CREATED)["inserted"], 1);
    assert_eq!(
        app.get("/users/2").await.json(StatusCode::OK)["username"],
        "b, \"the second\""
    );
    let taken = upload(&app, "file", b"id,username,email\n1,c,c@example.com\n").await;
    assert_json_snapshot!(taken.json(StatusCode::CREATED), @r#"
    {
      "count": 1,
      "imported": 1,
      "inserted": 1,
      "skipped": [],
      "renumbered": [
        {
          "row": 2,
          "requested_id": 1,
          "id": 3
        }
      ],
      "renumbered_total": 1
    }
    "#);
    assert_eq!(
        app.get("/users/3").await.json(StatusCode::OK)["username"],
        "c",
        "a taken id is replaced"
    );
}

#[tokio::test]
async fn what_is_no_file_of_users_is_refused() {
    let app = TestApp::new().await;
    assert_eq!(
        upload(&app, "other", FILE.as_bytes()).await.error(400),
        "No file provided"
    );
    assert_eq!(
        app.post("/users/bulk", json!({})).await.error(400),
        "No file provided"
    );
    assert_eq!(
        app.post("/users/bulk", json!({ "file": " " })).await.error(400),
        "No file provided"
    );
    assert_eq!(
        app.post("/users/bulk", json!({ "file": 5 })).await.error(400),
        "file must be a string"
    );
    let unknown = app
        .post("/users/bulk", json!({ "file": "users.csv", "sep": ";" }))
        .await;
    assert_eq!(unknown.error(400), "Unknown field: sep");
    assert_eq!(
        app.json(Method::POST, "/users/bulk", "").await.error(400),
        "No file provided"
    );
    let bare = request(Method::POST, "/users/bulk")
        .body(Body::from(FILE))
        .expect("a request");
    assert_eq!(app.send(bare).await.error(400), "No file provided");
    for (content, problem) in [
        (&b""[..], "is empty"),
        (b"name,email\n", "no column `username`"),
        (b"username,email\n\xff,b\n", "not UTF-8"),
    ] {
        let error = upload(&app, "file", content).await.error(400);
        assert!(error.contains(problem), "{error}");
    }
    let broken =
        request(Method::POST, "/users/bulk").header("content-type", "multipart/form-data; boundary=x");
    let answer = app
        .send(broken.body(Body::from("--x\r\nno form")).expect("a request"))
        .await;
    assert!(
        answer.error(400).starts_with("Malformed form: "),
        "{}",
        answer.text
    );
    let unbounded = request(Method::POST, "/users/bulk").header("content-type", "multipart/form-data");
    let answer = app
        .send(unbounded.body(Body::from(FILE)).expect("a request"))
        .await;
    assert!(
        answer.error(400).starts_with("Malformed form: "),
        "{}",
        answer.text
    );
    let huge = vec![b'a'; 10 * 1024 * 1024 + 1];
    assert_eq!(
        upload(&app, "file", &huge).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(app.get("/users").await.text, "[]");
}

#[tokio::test]
async fn rubbish_is_refused_or_skipped_with_its_reason_and_never_a_fault() {
    let app = TestApp::new().await;
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let table = "username,email\r\nada,ada@example.com\r\n";
    for content in [
        &b"\n\r\n\n"[..],
        &[0; 1_000],
        &(0..=255).cycle().take(10_000).collect::<Vec<u8>>(),
        &utf16(table),
        &utf16(&format!("\u{feff}{table}")),
        b"\x7fELF\x02\x01\x01",
    ] {
        let problem = upload(&app, "file", content).await.error(400);
        assert!(problem.starts_with("The file "), "{problem}");
    }
    for (content, inserted, skipped) in [
        ("username,email".to_owned(), 0, 0),
        (format!("username,email{}\n", ",x".repeat(10_000)), 0, 0),
        (format!("\u{feff}{table}"), 1, 0),
        (table.replace("\r\n", "\r").replace("ada", "bob"), 1, 0),
        ("username,email\n\"never closed,x@a.example\n\n".to_owned(), 0, 1),
        (
            "username,email\nnul\0,x@a.example\n\u{202e},y@a.example\n".to_owned(),
            1,
            1,
        ),
    ] {
        let report = upload(&app, "file", content.as_bytes())
            .await
            .json(StatusCode::CREATED);
        let skips = report["skipped"].as_array().map(Vec::len);
        assert_eq!(
            (&report["inserted"], skips),
            (&json!(inserted), Some(skipped)),
            "{content:.40}"
        );
    }
}

#[tokio::test]
async fn a_named_file_comes_from_the_import_folder_only() {
    let folder = tempfile::tempdir().expect("a scratch directory");
    std::fs::write(folder.path().join("users.csv"), FILE).expect("written");
    std::fs::create_dir(folder.path().join("sub")).expect("made");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.csv")).expect("made");
    let app = TestApp::with(|raw| raw.import_dir = Some(folder.path().into())).await;
    for name in [
        "../users.csv",
        "sub/users.csv",
        "/etc/passwd",
        "..",
        "a\\b",
        "users.csv\u{0}",
    ] {
        let error = app.post("/users/bulk", json!({ "file": name })).await.error(400);
        assert_eq!(
            error, "file must be the plain name of a file in the import folder",
            "{name}"
        );
    }
    for name in ["nosuch.csv", "sub", "link.csv"] {
        let error = app.post("/users/bulk", json!({ "file": name })).await.error(404);
        assert_eq!(error, format!("File not found: {name}"));
    }
    let report = app.post("/users/bulk", json!({ "file": "users.csv" })).await;
    assert_eq!(report.json(StatusCode::CREATED)["inserted"], 2);
    let without = TestApp::new().await;
    assert_eq!(
        without
            .post("/users/bulk", json!({ "file": "users.csv" }))
            .await
            .error(404),
        "File not found: users.csv"
    );
}
