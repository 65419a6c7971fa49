-- Asks for random codes with the headers of an ordinary browser. wrk reads this; codes come from the file in $CODES.

local report = dofile("report.lua")

local rest = table.concat({
  " HTTP/1.1",
  "Host: sho.rt",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language: en-US,en;q=0.9",
  "Accept-Encoding: gzip, deflate, br",
  "Referer: https://news.example.org/item?id=42",
  "Connection: keep-alive",
  "", "",
}, "\r\n")

function init()
  math.randomseed(os.time())
end

function request()
  return "GET /" .. report.code(math.random(report.count)) .. rest
end
