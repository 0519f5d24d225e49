package main

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
)

// speaking are the methods that need no comment of their own, because the
// standard library has said once what they do.
var speaking = []string{"Error", "Unwrap"}

// comments is the rule that a package can be read without its code: a doc.go
// with the package comment, and a comment on everything exported.
func comments(t *tree) []finding {
	var found []finding
	for _, p := range t.packages {
		if path.Base(p.dir) == "pb" {
			continue
		}
		found = append(found, packageComment(t, p)...)
		for _, f := range p.files {
			if f.test || f.generated {
				continue
			}
			for _, d := range f.ast.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					found = append(found, funcComment(t, d)...)
				case *ast.GenDecl:
					found = append(found, declComments(t, d)...)
				}
			}
		}
	}
	return found
}

// packageComment wants one package comment, in doc.go.
func packageComment(t *tree, p *pkg) []finding {
	var found []finding
	program, documented := false, false
	for _, f := range p.files {
		if f.test {
			continue
		}
		program = true
		switch has := f.ast.Doc.Text() != ""; {
		case f.base() == "doc.go" && has:
			documented = true
		case f.base() != "doc.go" && has:
			found = append(found, t.at(f.ast.Package, "a package has one package comment: move this one to doc.go, or put an empty line below it"))
		}
	}
	if program && !documented {
		found = append(found, t.at(p.files[0].ast.Package, "%s has no doc.go with a package comment: say what it is, draw it, list its messages and limits", p.dir))
	}
	return found
}

// funcComment wants a comment on an exported function, and on an exported
// method of an exported type.
func funcComment(t *tree, d *ast.FuncDecl) []finding {
	if !d.Name.IsExported() || d.Doc.Text() != "" {
		return nil
	}
	if d.Recv != nil && (!ast.IsExported(receiver(d)) || slices.Contains(speaking, d.Name.Name)) {
		return nil
	}
	return []finding{t.at(d.Pos(), "%s has no comment: say what it does, what it returns, and whether it blocks", d.Name.Name)}
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	x := d.Recv.List[0].Type
	for {
		switch t := x.(type) {
		case *ast.StarExpr:
			x = t.X
		case *ast.ParenExpr:
			x = t.X
		case *ast.IndexExpr:
			x = t.X
		case *ast.IndexListExpr:
			x = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// declComments wants a comment on every exported type, constant and variable;
// the comment of a group of constants or variables speaks for all of them.
func declComments(t *tree, d *ast.GenDecl) []finding {
	var found []finding
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if !spec.Name.IsExported() {
				continue
			}
			if spec.Doc.Text() == "" && (d.Doc.Text() == "" || d.Lparen.IsValid()) {
				found = append(found, t.at(spec.Pos(), "%s has no comment: say what one of it is", spec.Name.Name))
			}
			switch typ := spec.Type.(type) {
			case *ast.StructType:
				found = append(found, fieldComments(t, spec.Name.Name, typ.Fields)...)
			case *ast.InterfaceType:
				found = append(found, fieldComments(t, spec.Name.Name, typ.Methods)...)
			}
		case *ast.ValueSpec:
			if d.Doc.Text() != "" || spec.Doc.Text() != "" || spec.Comment.Text() != "" {
				continue
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					found = append(found, t.at(name.Pos(), "%s has no comment: say what it is, in which unit, and where it comes from", name.Name))
				}
			}
		}
	}
	return found
}

// fieldComments wants a comment on every group of exported fields, or methods
// of an interface. A group is a run of lines with no empty line between; the
// type's own comment speaks for the first one.
func fieldComments(t *tree, of string, fields *ast.FieldList) []finding {
	var found []finding
	spoken := true
	last := t.line(fields.Opening)
	for _, field := range fields.List {
		start := field.Pos()
		if field.Doc != nil {
			start = field.Doc.Pos()
		}
		if t.line(start) > last+1 {
			spoken = false
		}
		last = t.line(field.End())
		if field.Doc.Text() != "" || field.Comment.Text() != "" {
			spoken = true
		}
		for _, name := range field.Names {
			if name.IsExported() && !spoken && !slices.Contains(speaking, name.Name) {
				found = append(found, t.at(name.Pos(), "%s.%s opens a group without a comment: say what the group is, and who owns it", of, name.Name))
				spoken = true
			}
		}
	}
	return found
}

// line returns the line of a position.
func (t *tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }
