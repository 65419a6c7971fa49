-- Creates links with generated codes.

dofile("report.lua")

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"url":"https://example.com/a/long/path"}'
