       IDENTIFICATION DIVISION.
       PROGRAM-ID. LEDGER.
      *> Keeps accounts in an indexed file. Reads one request from
      *> standard input, writes one reply. Ends with 4 where there is
      *> no such account, 8 where the request is refused.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT ACCOUNTS ASSIGN TO "accounts.idx"
               ORGANIZATION IS INDEXED ACCESS MODE IS RANDOM
               RECORD KEY IS A-NUMBER FILE STATUS IS W-STATUS.
           SELECT REQUESTS ASSIGN TO KEYBOARD
               ORGANIZATION IS LINE SEQUENTIAL.
           SELECT REPLIES ASSIGN TO DISPLAY
               ORGANIZATION IS LINE SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  ACCOUNTS.
       01  A-ACCOUNT.
           05  A-NUMBER   PIC 9(6).
           05  A-OWNER    PIC X(20).
           05  A-BALANCE  PIC S9(9)V99 COMP-3.
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
           IF W-STATUS NOT = "00"
               MOVE 16 TO RETURN-CODE STOP RUN
           END-IF
           MOVE ACCOUNT OF LEDGER-REQUEST TO A-NUMBER
           EVALUATE VERB
               WHEN "OPEN"  PERFORM OPEN-ACCOUNT
               WHEN "LOOK"  PERFORM LOOK-AT-ACCOUNT
               WHEN "POST"  PERFORM POST-AMOUNT
               WHEN OTHER   MOVE 8 TO RETURN-CODE
           END-EVALUATE
           IF RETURN-CODE = 0
               OPEN OUTPUT REPLIES
               MOVE A-NUMBER TO ACCOUNT OF LEDGER-REPLY
               MOVE A-OWNER TO OWNER OF LEDGER-REPLY
               MOVE A-BALANCE TO BALANCE
               WRITE LEDGER-REPLY
               CLOSE REPLIES
           END-IF
           CLOSE ACCOUNTS
           STOP RUN.
       OPEN-ACCOUNT.
           MOVE OWNER OF LEDGER-REQUEST TO A-OWNER
           MOVE 0 TO A-BALANCE
           WRITE A-ACCOUNT INVALID KEY MOVE 8 TO RETURN-CODE
           END-WRITE.
       LOOK-AT-ACCOUNT.
           READ ACCOUNTS INVALID KEY MOVE 4 TO RETURN-CODE
           END-READ.
       POST-AMOUNT.
           READ ACCOUNTS INVALID KEY MOVE 4 TO RETURN-CODE
           END-READ
           IF RETURN-CODE = 0
               ADD AMOUNT TO A-BALANCE
               IF A-BALANCE < 0
                   MOVE 8 TO RETURN-CODE
               ELSE
                   REWRITE A-ACCOUNT
                       INVALID KEY MOVE 8 TO RETURN-CODE
                   END-REWRITE
               END-IF
           END-IF.
