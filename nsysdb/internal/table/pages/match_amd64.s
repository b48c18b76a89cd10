//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func matchAVX2(w *worker, page *window, row, j int) int
//
// AX  number of the row in the batch   R11 guess     R14 w
// R8  record                           R12 history   R15 keys
// R9  end of the records               R13 page
TEXT ·matchAVX2(SB), NOSPLIT, $0-40
	MOVQ w+0(FP), R14
	MOVQ page+8(FP), R13
	MOVQ row+16(FP), AX
	MOVQ j+24(FP), CX
	ADDQ CX, AX
	MOVQ worker_records+0(R14), R8
	MOVQ worker_records+8(R14), R9
	IMULQ $record__size, R9
	ADDQ R8, R9
	IMULQ $record__size, CX
	ADDQ CX, R8
	LEAQ (worker_templates+templates_guess)(R14), R11
	MOVL (worker_templates+templates_history)(R14), R12
	MOVQ worker_keys+0(R14), R15

next:
	CMPQ R8, R9
	JEQ  done
	MOVL (R11)(R12*4), BX
	IMUL3Q $template__size, BX, DX
	ADDQ (worker_templates+templates_all)(R14), DX
	MOVL record_size(R8), CX
	CMPL CX, template_size(DX)
	JNE  done
	MOVL record_at(R8), SI
	ADDQ R13, SI

	// Is it alike? See template.alike.
	MOVQ template_words+0(DX), DI
	MOVQ template_words+8(DX), CX
	VPXOR Y0, Y0, Y0

words:
	VMOVDQU (SI), Y1
	VPXOR words_value(DI), Y1, Y1
	VPAND words_mask(DI), Y1, Y1
	VPOR Y1, Y0, Y0
	ADDQ $const_wordsSize, SI
	ADDQ $words__size, DI
	DECQ CX
	JNZ  words
	VPTEST Y0, Y0
	JNZ  done

	// See remember.
	IMULL $const_spread, BX
	SHRL $(32-const_historyBits), BX
	SHLL $3, R12
	XORL BX, R12
	ANDL $((1<<const_historyBits)-1), R12

	MOVL template_key(DX), CX
	MOVL CX, (R15)(AX*4)

	// The columns. See load.value.
	MOVL template_loads(DX), DI
	IMULQ $load__size, DI
	ADDQ (worker_templates+templates_loads)(R14), DI
	MOVL record_at(R8), SI
	ADDQ R13, SI
	MOVQ worker_columns+0(R14), BX
	MOVQ worker_columns+8(R14), CX
	TESTQ CX, CX
	JZ   filled

fill:
	MOVL load_shift(DI), DX
	CMPL DX, $63
	JHI  constant
	MOVL load_offset(DI), R10
	MOVQ (SI)(R10*1), R10
	BSWAPQ R10
	SARXQ DX, R10, R10
	MOVQ (BX), DX
	MOVQ R10, (DX)(AX*8)
	ADDQ $load__size, DI
	ADDQ $24, BX // the size of a slice's header
	DECQ CX
	JNZ  fill
	JMP  filled

constant:
	MOVQ load_constant(DI), R10
	MOVQ (BX), DX
	MOVQ R10, (DX)(AX*8)
	ADDQ $load__size, DI
	ADDQ $24, BX
	DECQ CX
	JNZ  fill

filled:
	ADDQ $record__size, R8
	INCQ AX
	JMP  next

done:
	VZEROUPPER
	MOVL R12, (worker_templates+templates_history)(R14)
	SUBQ row+16(FP), AX
	MOVQ AX, ret+32(FP)
	RET
