fed_fuzz(enrolment ROOMS secagg)
