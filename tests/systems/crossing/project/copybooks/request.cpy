       01  LEDGER-REQUEST.
           05  VERB       PIC X(4).
           05  ORDER-NO   PIC 9(8).
           05  ACCOUNT    PIC 9(6).
           05  AMOUNT     PIC S9(9)V99 SIGN LEADING SEPARATE.
