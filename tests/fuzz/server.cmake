fed_fuzz(roster ROOMS round)
fed_fuzz(head ROOMS round)
fed_fuzz(drawn ROOMS round)
fed_fuzz(coordinator ROOMS round)
