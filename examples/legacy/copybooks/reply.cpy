       01  LEDGER-REPLY.
           05  ACCOUNT    PIC 9(6).
           05  OWNER      PIC X(20).
           05  BALANCE    PIC S9(9)V99 SIGN LEADING SEPARATE.
