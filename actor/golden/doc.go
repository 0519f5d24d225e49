// Package golden runs text scripts against machines: event lines in, effect
// lines out, one file a situation.
//
// A script is read top to bottom. A line that begins with "#" is a comment, an
// empty line separates, a line that begins with two blanks and ">" is an
// expected effect, and every other line is an event:
//
//	# The opener closes its half; the acceptor may still write.
//	open
//	  > opened 0
//	received 02 02 68 69
//	  > deliver 0 "hi"
//
// The test feeds each event to the machine and compares the effects it prints
// with the lines below the event. With the flag -update the files are rewritten
// with what the machine did; the difference in version control is the review.
// [Document] holds a file that a test prints whole to the same rules.
package golden
