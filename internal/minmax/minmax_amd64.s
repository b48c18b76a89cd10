//go:build !purego

#include "textflag.h"

// FOUR orders the numbers at an offset into both rows and the three after them.
#define FOUR(offset, x, y, less, more) \
	VMOVDQU offset(AX), x; \
	VMOVDQU offset(BX), y; \
	VPCMPGTQ y, x, more; \
	VBLENDVPD more, y, x, less; \
	VBLENDVPD more, x, y, more; \
	VMOVDQU less, offset(AX); \
	VMOVDQU more, offset(BX)

// func orderAVX2(a, b *Row)
TEXT ·orderAVX2(SB), NOSPLIT, $0-16
	MOVQ a+0(FP), AX
	MOVQ b+8(FP), BX
	FOUR(0, Y0, Y1, Y2, Y3)
	FOUR(32, Y4, Y5, Y6, Y7)
	FOUR(64, Y8, Y9, Y10, Y11)
	FOUR(96, Y12, Y13, Y14, Y15)
	FOUR(128, Y0, Y1, Y2, Y3)
	FOUR(160, Y4, Y5, Y6, Y7)
	FOUR(192, Y8, Y9, Y10, Y11)
	FOUR(224, Y12, Y13, Y14, Y15)
	VZEROUPPER
	RET
