fed_fuzz(matrix_place ROOMS dp)
