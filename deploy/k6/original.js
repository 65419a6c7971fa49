// The load test of the service that terse replaces, as it was: each user asks for the health, makes a link, follows it, and
// pauses for a second. Its figures and ours are in docs/performance.md.
//
//   k6 run -e BASE_URL=http://127.0.0.1:8000 -e USERS=200 deploy/k6/original.js

import http from "k6/http";
import { check, sleep } from "k6";

const BASE_URL = (__ENV.BASE_URL || "http://127.0.0.1:8000").replace(/\/$/, "");
const USERS = Number(__ENV.USERS || 50);
const PAUSE_S = Number(__ENV.PAUSE_S || 1);

export const options = {
  stages: [
    { duration: "10s", target: USERS },
    { duration: __ENV.DURATION || "30s", target: USERS },
    { duration: "5s", target: 0 },
  ],
  thresholds: {
    http_req_failed: ["rate==0"],
    checks: ["rate==1"],
    http_req_duration: ["p(95)<20"],
  },
};

const JSON_BODY = { headers: { "Content-Type": "application/json" }, tags: { name: "POST /shorten" } };

export default function () {
  const health = http.get(`${BASE_URL}/health`, { tags: { name: "GET /health" } });
  check(health, { "is healthy": (answer) => answer.status === 200 });

  const body = JSON.stringify({ url: `https://example.com/articles/${__VU}-${__ITER}` });
  const made = http.post(`${BASE_URL}/shorten`, body, JSON_BODY);
  if (check(made, { "link is made": (answer) => answer.status === 201 })) {
    // Not where it leads: that is somebody else's server.
    const followed = http.get(`${BASE_URL}/${made.json("short_code")}`, { redirects: 0, tags: { name: "GET /{code}" } });
    check(followed, { "is redirected": (answer) => answer.status === 302 });
  }
  sleep(PAUSE_S);
}
