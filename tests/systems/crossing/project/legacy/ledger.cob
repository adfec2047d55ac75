       IDENTIFICATION DIVISION.
       PROGRAM-ID. LEDGER.
      *> Keeps what customers owe, and one posting for each order, in
      *> two indexed files. Reads one request, writes one reply. Ends
      *> with 4 where there is no such account or posting, 8 where the
      *> request is refused, 16 where a file cannot be used.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT ACCOUNTS ASSIGN TO "accounts.idx"
               ORGANIZATION IS INDEXED ACCESS MODE IS RANDOM
               RECORD KEY IS A-NUMBER FILE STATUS IS W-STATUS.
           SELECT POSTINGS ASSIGN TO "postings.idx"
               ORGANIZATION IS INDEXED ACCESS MODE IS RANDOM
               RECORD KEY IS P-ORDER FILE STATUS IS W-STATUS.
           SELECT REQUESTS ASSIGN TO KEYBOARD
               ORGANIZATION IS LINE SEQUENTIAL.
           SELECT REPLIES ASSIGN TO DISPLAY
               ORGANIZATION IS LINE SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  ACCOUNTS.
       01  A-ACCOUNT.
           05  A-NUMBER   PIC 9(6).
           05  A-BALANCE  PIC S9(9)V99 COMP-3.
       FD  POSTINGS.
       01  P-POSTING.
           05  P-ORDER    PIC 9(8).
           05  P-ACCOUNT  PIC 9(6).
           05  P-AMOUNT   PIC S9(9)V99 COMP-3.
       FD  REQUESTS.
       COPY "request.cpy".
       FD  REPLIES.
       COPY "reply.cpy".
       WORKING-STORAGE SECTION.
       01  W-STATUS       PIC XX.
       PROCEDURE DIVISION.
       MAIN-LINE.
           OPEN INPUT REQUESTS
           READ REQUESTS AT END MOVE 8 TO RETURN-CODE STOP RUN
           END-READ
           CLOSE REQUESTS
           OPEN I-O ACCOUNTS
           IF W-STATUS = "35"
               OPEN OUTPUT ACCOUNTS
               CLOSE ACCOUNTS
               OPEN I-O ACCOUNTS
           END-IF
           PERFORM STOP-UNLESS-OPEN
           OPEN I-O POSTINGS
           IF W-STATUS = "35"
               OPEN OUTPUT POSTINGS
               CLOSE POSTINGS
               OPEN I-O POSTINGS
           END-IF
           PERFORM STOP-UNLESS-OPEN
           MOVE ORDER-NO OF LEDGER-REQUEST TO P-ORDER
           MOVE ACCOUNT OF LEDGER-REQUEST TO A-NUMBER
           EVALUATE VERB
               WHEN "OPEN"  PERFORM OPEN-ACCOUNT
               WHEN "POST"  PERFORM POST-ORDER
               WHEN "VOID"  PERFORM VOID-ORDER
               WHEN "LOOK"  PERFORM FIND-POSTING
               WHEN OTHER   MOVE 8 TO RETURN-CODE
           END-EVALUATE
           CLOSE ACCOUNTS POSTINGS
           IF RETURN-CODE = 0
               PERFORM WRITE-REPLY
           END-IF
           STOP RUN.
       STOP-UNLESS-OPEN.
           IF W-STATUS NOT = "00"
               MOVE 16 TO RETURN-CODE STOP RUN
           END-IF.
       OPEN-ACCOUNT.
           MOVE 0 TO A-BALANCE P-ACCOUNT P-AMOUNT
           WRITE A-ACCOUNT INVALID KEY MOVE 8 TO RETURN-CODE
           END-WRITE.
       POST-ORDER.
           READ ACCOUNTS INVALID KEY MOVE 4 TO RETURN-CODE
           END-READ
           IF RETURN-CODE = 0
               MOVE ACCOUNT OF LEDGER-REQUEST TO P-ACCOUNT
               MOVE AMOUNT OF LEDGER-REQUEST TO P-AMOUNT
               WRITE P-POSTING INVALID KEY MOVE 8 TO RETURN-CODE
               END-WRITE
           END-IF
           IF RETURN-CODE = 0
               ADD P-AMOUNT TO A-BALANCE
               REWRITE A-ACCOUNT
           END-IF.
       VOID-ORDER.
           PERFORM FIND-POSTING
           IF RETURN-CODE = 0
               SUBTRACT P-AMOUNT FROM A-BALANCE
               REWRITE A-ACCOUNT
               DELETE POSTINGS RECORD
           END-IF.
       FIND-POSTING.
           READ POSTINGS INVALID KEY MOVE 4 TO RETURN-CODE
           END-READ
           IF RETURN-CODE = 0
               MOVE P-ACCOUNT TO A-NUMBER
               READ ACCOUNTS INVALID KEY MOVE 16 TO RETURN-CODE
               END-READ
           END-IF.
       WRITE-REPLY.
           OPEN OUTPUT REPLIES
           MOVE P-ORDER TO ORDER-NO OF LEDGER-REPLY
           MOVE A-NUMBER TO ACCOUNT OF LEDGER-REPLY
           MOVE P-AMOUNT TO AMOUNT OF LEDGER-REPLY
           MOVE A-BALANCE TO BALANCE
           WRITE LEDGER-REPLY
           CLOSE REPLIES.
