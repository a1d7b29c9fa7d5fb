-- compatible: marks are found by run and flat alone, so that naming the bill of a mark touches no index.
drop index housing.run_apartments_bill_idx;
