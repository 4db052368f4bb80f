fed_fuzz(trace ROOMS trace)
fed_fuzz(faults ROOMS turnout)
