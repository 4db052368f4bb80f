fed_fuzz(plan ROOMS plan)
