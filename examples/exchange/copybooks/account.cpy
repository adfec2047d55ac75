      * The account ledger: accounts by number, and one trailer.
       01  ACCOUNT.
           05  KIND                PIC X.
               88  IS-ACCOUNT      VALUE 'A'.
           05  ACCOUNT-ID          PIC 9(8).
           05  HOLDER              PIC X(24).
           05  STATE               PIC X.
               88  OPEN-ACCOUNT    VALUE 'O'.
               88  HELD            VALUE 'H'.
           05  BALANCE             PIC S9(9)V99 COMP-3.
           05  LIMIT-AMOUNT        PIC S9(7) COMP.
           05  LAST-DATE           PIC 9(8).
           05  LAST-PARTS REDEFINES LAST-DATE.
               10  LAST-YEAR       PIC 9(4).
               10  LAST-MONTH      PIC 9(2).
               10  LAST-DAY        PIC 9(2).
           05  REMARK              PIC X(20).
           05  FILLER              PIC X(8).
       01  TRAILER.
           05  KIND                PIC X.
               88  IS-TRAILER      VALUE 'T'.
           05  ACCOUNT-COUNT       PIC 9(6).
           05  TOTAL               PIC S9(11)V99 COMP-3.
