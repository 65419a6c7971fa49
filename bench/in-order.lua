-- Asks for the codes in the file in $CODES from its first line on, each once.

local report = dofile("report.lua")

local place = 0

function request()
  place = place % report.count + 1
  return "GET /" .. report.code(place) .. " HTTP/1.1\r\nHost: sho.rt\r\n\r\n"
end
