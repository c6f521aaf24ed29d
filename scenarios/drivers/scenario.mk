# Timer, serial and power as their clients see them; the log goes through the serial driver.
BINS := log timer serial power drivers-test
