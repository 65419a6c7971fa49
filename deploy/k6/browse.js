// Visitors: links are made once, then followed, a few of them much more often than the others, as links are.
//
//   k6 run -e BASE_URL=http://127.0.0.1:8000 -e RATE=2000 deploy/k6/browse.js
//
// RATE visits a second arrive whether or not the service keeps up; LINKS (1000) are made beforehand.

import http from "k6/http";
import { check, fail } from "k6";

const BASE_URL = (__ENV.BASE_URL || "http://127.0.0.1:8000").replace(/\/$/, "");
const RATE = Number(__ENV.RATE || 500);
const LINKS = Number(__ENV.LINKS || 1000);

export const options = {
  setupTimeout: "5m",
  scenarios: {
    visits: {
      executor: "constant-arrival-rate",
      rate: RATE,
      timeUnit: "1s",
      duration: __ENV.DURATION || "30s",
      preAllocatedVUs: Math.min(2000, Math.max(50, Math.ceil(RATE / 10))),
      maxVUs: 5000,
    },
  },
  thresholds: {
    http_req_failed: ["rate==0"],
    checks: ["rate==1"],
    "http_req_duration{name:GET /{code}}": ["p(95)<20"],
    dropped_iterations: ["count==0"],
  },
};

export function setup() {
  const codes = [];
  for (let number = 0; number < LINKS; number += 1) {
    const body = JSON.stringify({ url: `https://example.com/section/${number}/article` });
    const made = http.post(`${BASE_URL}/shorten`, body, { headers: { "Content-Type": "application/json" } });
    if (made.status !== 201) {
      fail(`no link could be made: ${made.status} ${made.body}`);
    }
    codes.push(made.json("short_code"));
  }
  return codes;
}

export default function (codes) {
  // Half of the visits go to a tenth of the links.
  const code = codes[Math.floor(codes.length * Math.random() ** 3.32)];
  const followed = http.get(`${BASE_URL}/${code}`, { redirects: 0, tags: { name: "GET /{code}" } });
  check(followed, { "is redirected": (answer) => answer.status === 302 });
}
