"""Tables for spreadsheets: columns of a kind, written row by row as CSV and XLSX, in the same memory however long."""
