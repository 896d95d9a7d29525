# fails
count = 12
