fed_fuzz(envelope ROOMS wire)
fed_fuzz(cohort_messages ROOMS wire)
fed_fuzz(checkin ROOMS wire)
fed_fuzz(route ROOMS wire)
