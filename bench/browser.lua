-- Asks for random codes with the headers of ordinary browsers: a hundred of them, from twenty places. wrk reads this; codes come
-- from the file in $CODES.

local report = dofile("report.lua")

local systems = { "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K" }

local function head_of(number)
  return table.concat({
    " HTTP/1.1",
    "Host: sho.rt",
    "User-Agent: Mozilla/5.0 (" .. systems[number % #systems + 1] .. ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"
      .. 100 + number % 25 .. ".0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.9",
    "Accept-Encoding: gzip, deflate, br",
    "Referer: https://news.example.org/item?id=" .. 40 + number % 20,
    "Connection: keep-alive",
    "", "",
  }, "\r\n")
end

local heads = {}
for number = 1, 100 do heads[number] = head_of(number) end

function init()
  math.randomseed(os.time())
end

function request()
  return "GET /" .. report.code(math.random(report.count)) .. heads[math.random(#heads)]
end
