# The readers of data sets.
foreach(reader idx csv text leaf cmapss data_spec gunzip)
  fed_fuzz(${reader} ROOMS data INSIDE common/data)
endforeach()
