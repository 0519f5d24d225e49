package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// This file looks at a database of bbolt without trusting a byte of it: it reads
// with ReadAt, within bounds, each page once. What passes can be mapped into
// memory and walked through by bbolt. (The format: bbolt, internal/common.)
//
//	page      id 8, flags 2, count 2, overflow 4 (further pages of the same), content
//	meta      pages 0 and 1: magic 4, version 4, page size 4, flags 4,
//	          root page 8, sequence 8, freelist page 8, pages 8, transaction 8, FNV-1a 8
//	branch    count × (position 4, key size 4, page 8), keys
//	leaf      count × (flags 4, position 4, key size 4, value size 4), keys and values
//	freelist  count × page 8; count 0xffff: the first is the count
//	bucket    the value of a leaf with flag 1: root page 8 (0: a page follows), sequence 8
//
// Positions count from their own element. Numbers are those of the machine.

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader = 16
	metaSize   = 64
	element    = 16 // of a branch or a leaf
	bucketHead = 16

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01

	// maxDepth is how deep a tree of 1 GiB can be, and more: a branch has two
	// children at least.
	maxDepth = 40
)

// pageSizes are those that bbolt looks for a second meta page with.
const minPageSize, maxPageSize = 1 << 10, 1 << 24

// damage is what is wrong, for a CorruptError.
type damage struct{ rule string }

func (e *damage) Error() string { return e.rule }

func damaged(format string, args ...any) error { return &damage{fmt.Sprintf(format, args...)} }

// meta is what counts of a meta page.
type meta struct {
	pageSize              int64
	root, freelist, pages uint64
	transaction           uint64
}

// checker walks through a file.
type checker struct {
	file io.ReaderAt
	size int64
	meta meta
	seen []bool // pages that belong to something
}

// check returns what is wrong with a database of the given size: a *damage, or an
// error of reading.
func check(file io.ReaderAt, size int64) error {
	c := &checker{file: file, size: size}
	if err := c.metas(); err != nil {
		return err
	}
	if c.meta.pages > uint64(size)/uint64(c.meta.pageSize) {
		return damaged("it has %d bytes and should have %d pages of %d", size, c.meta.pages, c.meta.pageSize)
	}
	c.seen = make([]bool, c.meta.pages)
	if err := c.freelist(); err != nil {
		return err
	}
	return c.page(c.meta.root, 0)
}

// metas finds the newest meta page that is whole.
func (c *checker) metas() error {
	first, err := c.readMeta(0)
	if err != nil {
		return err
	}
	sizes := []int64{}
	if first != nil {
		sizes = append(sizes, first.pageSize)
	} else {
		for size := int64(minPageSize); size <= maxPageSize; size *= 2 {
			sizes = append(sizes, size)
		}
	}
	best := first
	for _, at := range sizes {
		second, err := c.readMeta(at)
		if err != nil {
			return err
		}
		if second != nil && second.pageSize == at && (best == nil || second.transaction > best.transaction) {
			best = second
			break
		}
	}
	if best == nil {
		return damaged("it does not begin like a database of bbolt")
	}
	c.meta = *best
	return nil
}

// readMeta reads a meta page; nil: there is none.
func (c *checker) readMeta(at int64) (*meta, error) {
	if at+pageHeader+metaSize > c.size {
		return nil, nil
	}
	b, err := c.read(at+pageHeader, metaSize)
	if err != nil {
		return nil, err
	}
	sum := fnv.New64a()
	sum.Write(b[:56])
	order := binary.NativeEndian
	m := &meta{
		pageSize: int64(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), transaction: order.Uint64(b[48:]),
	}
	if order.Uint32(b) != boltMagic || order.Uint32(b[4:]) != boltVersion || order.Uint64(b[56:]) != sum.Sum64() ||
		m.pageSize < minPageSize || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0 {
		return nil, nil
	}
	return m, nil
}

func (c *checker) read(at, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := c.file.ReadAt(b, at); err != nil {
		return nil, err
	}
	return b, nil
}

// claim reads a page with those that follow it, and notes that they are used.
func (c *checker) claim(id uint64) (flags uint16, count int, page []byte, err error) {
	if id < 2 || id >= c.meta.pages {
		return 0, 0, nil, damaged("page %d does not exist", id)
	}
	head, err := c.read(int64(id)*c.meta.pageSize, pageHeader)
	if err != nil {
		return 0, 0, nil, err
	}
	order := binary.NativeEndian
	more := uint64(order.Uint32(head[12:]))
	if order.Uint64(head) != id || more >= c.meta.pages-id {
		return 0, 0, nil, damaged("page %d calls itself %d, of %d pages", id, order.Uint64(head), more+1)
	}
	for i := id; i <= id+more; i++ {
		if c.seen[i] {
			return 0, 0, nil, damaged("page %d is used twice", i)
		}
		c.seen[i] = true
	}
	page, err = c.read(int64(id)*c.meta.pageSize, int64(more+1)*c.meta.pageSize)
	return order.Uint16(head[8:]), int(order.Uint16(head[10:])), page, err
}

// freelist looks at the list of free pages.
func (c *checker) freelist() error {
	flags, count, page, err := c.claim(c.meta.freelist)
	if err != nil {
		return err
	}
	list, n := page[pageHeader:], uint64(count)
	if count == 0xffff {
		n, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if flags != freelistPage || n > uint64(len(list)/8) {
		return damaged("page %d is no list of free pages", c.meta.freelist)
	}
	for ; n > 0; n-- {
		id := binary.NativeEndian.Uint64(list)
		list = list[8:]
		if id < 2 || id >= c.meta.pages || c.seen[id] {
			return damaged("page %d cannot be free", id)
		}
		c.seen[id] = true
	}
	return nil
}

// page looks at a page of a tree and at all below it.
func (c *checker) page(id uint64, depth int) error {
	if depth > maxDepth {
		return damaged("the tree is deeper than any")
	}
	flags, count, page, err := c.claim(id)
	if err != nil {
		return err
	}
	if flags != branchPage && flags != leafPage || flags == branchPage && count == 0 {
		return damaged("page %d is no part of a tree", id)
	}
	return c.elements(id, flags, count, page, depth)
}

// elements looks at what is on a page.
func (c *checker) elements(id uint64, flags uint16, count int, page []byte, depth int) error {
	if pageHeader+count*element > len(page) {
		return damaged("page %d has no room for %d elements", id, count)
	}
	order := binary.NativeEndian
	var last []byte
	for i := range count {
		at := uint64(pageHeader + i*element)
		e := page[at:]
		position, key, value := order.Uint32(e), order.Uint32(e[4:]), uint32(0)
		if flags == leafPage {
			position, key, value = order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:])
		}
		begin := at + uint64(position)
		middle, end := begin+uint64(key), begin+uint64(key)+uint64(value)
		if position < element || key == 0 || end > uint64(len(page)) {
			return damaged("element %d of page %d reaches beyond it", i, id)
		}
		name := page[begin:middle]
		if bytes.Compare(last, name) >= 0 {
			return damaged("the keys of page %d are not in order", id)
		}
		last = name
		var err error
		switch {
		case flags == branchPage:
			err = c.page(order.Uint64(e[8:]), depth+1)
		case order.Uint32(e) == bucketFlag:
			err = c.bucket(id, page[middle:end], depth)
		case order.Uint32(e) != 0:
			err = damaged("element %d of page %d is of no kind that is known", i, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket looks at a tree in the tree; a small one stands in the value itself.
func (c *checker) bucket(id uint64, value []byte, depth int) error {
	if len(value) < bucketHead {
		return damaged("page %d has a bucket of %d bytes", id, len(value))
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return c.page(root, depth+1)
	}
	page := value[bucketHead:]
	if len(page) < pageHeader || binary.NativeEndian.Uint16(page[8:]) != leafPage || depth > maxDepth {
		return damaged("page %d has a bucket that is none", id)
	}
	return c.elements(id, leafPage, int(binary.NativeEndian.Uint16(page[10:])), page, depth+1)
}
