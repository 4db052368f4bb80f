# The first C program of a page, as a file. cmake -DPAGE=... -DOUT=... -P extract_example.cmake
file(READ "${PAGE}" page)
string(FIND "${page}" "```c\n" begin)
math(EXPR begin "${begin} + 5")
string(SUBSTRING "${page}" ${begin} -1 rest)
string(FIND "${rest}" "```" end)
string(SUBSTRING "${rest}" 0 ${end} program)
file(WRITE "${OUT}" "${program}")
