-- Asks for the codes in the file in $CODES from its first line on, each once.

local codes = {}
for code in io.lines(os.getenv("CODES")) do
  codes[#codes + 1] = code
end

local place = 0

function request()
  place = place % #codes + 1
  return "GET /" .. codes[place] .. " HTTP/1.1\r\nHost: sho.rt\r\n\r\n"
end
