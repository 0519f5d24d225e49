// Package install puts what an adapter needs on this machine: the packages of
// another language, and the adapter's own files.
//
//	os.UserCacheDir()/troupe-interop/
//	├── py-3f2a…/          made once, then only read
//	├── py-3f2a….lock      held by the process that makes it
//	├── py-3f2a….new-17/   not complete: its maker is at work, or was killed
//	└── adapter-99d0…/     embedded files, by their content
//
// A directory's name says what is in it ([Name] makes such names), so that it
// never has to be changed: a new release of a package is a new directory. It is
// made under another name and renamed when it is complete. So a directory that
// is there is whole, whatever happened to whoever made it.
//
// # Errors
//
// What cannot be installed is an [*Error], which is [talk.ErrNotInstalled]: the
// matrix shows the cells that need it as not run, with the reason.
//
// # Limits
//
// Nothing is ever removed; the cache is the user's to empty. Everything runs as
// long as its context allows, and a directory that another process is making is
// waited for as long.
package install
