fed_fuzz(ledger ROOMS dp)
