-- What every script for wrk here loads: the codes to ask for, and a last line with the figures for bench/load.bash.
-- wrk itself prints no percentile beyond 99.

local report = {}

-- All codes have this many characters. One text and not a table: ten million links fit, and a look-up costs the same.
local LENGTH = 7
local text = ""

if os.getenv("CODES") then
  local file = assert(io.open(os.getenv("CODES")))
  text = file:read("*a")
  file:close()
end

report.count = #text / (LENGTH + 1)

function report.code(place)
  local start = (place - 1) * (LENGTH + 1)
  return text:sub(start + 1, start + LENGTH)
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    "figures requests=%d seconds=%.3f p50=%d p90=%d p99=%d p999=%d errors=%d",
    summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

return report
