// SPDX-License-Identifier: Apache-2.0
// Finds unmaps that may not get the address that was mapped: the pointer was changed in between, its
// own address was given away, it is in a structure, or nothing in this function has mapped it.

@moved exists@
expression p, e;
identifier map =~ "^(kmap_local_(page|folio|pfn|page_prot)|kmap_atomic(|_pfn|_prot)|bvec_kmap_local)$";
position change, at;
@@

(
  p@change += e
|
  p@change -= e
|
  p@change++
|
  p@change--
|
  ++p@change
|
  --p@change
|
  &p@change
|
  p@change = <+... p ...+>
)
... when any
    when != p = <+... map(...) ...+>
(
kunmap_local@at(p);
|
kunmap_atomic@at(p);
|
folio_release_kmap@at(..., p);
|
unmap_and_put_page@at(..., p);
)

@script:python@
p << moved.p;
change << moved.change;
at << moved.at;
@@

where = at[0]
print(f"{where.file}:{where.line}: {where.current_element}: {p}, changed in {change[0].line}")

@assigned exists@
expression p;
identifier map =~ "^(kmap_local_(page|folio|pfn|page_prot)|kmap_atomic(|_pfn|_prot)|bvec_kmap_local)$";
position at;
@@

p = <+... map(...) ...+>;
... when any
(
kunmap_local@at(p);
|
kunmap_atomic@at(p);
|
folio_release_kmap@at(..., p);
|
unmap_and_put_page@at(..., p);
)

@declared exists@
type T;
identifier p;
identifier map =~ "^(kmap_local_(page|folio|pfn|page_prot)|kmap_atomic(|_pfn|_prot)|bvec_kmap_local)$";
position at;
@@

T p = <+... map(...) ...+>;
... when any
(
kunmap_local@at(p);
|
kunmap_atomic@at(p);
|
folio_release_kmap@at(..., p);
|
unmap_and_put_page@at(..., p);
)

@kept@
expression s;
identifier f;
position at != moved.at;
@@

(
kunmap_local@at(\(s.f\|s->f\));
|
kunmap_atomic@at(\(s.f\|s->f\));
)

@script:python@
f << kept.f;
at << kept.at;
@@

where = at[0]
print(f"{where.file}:{where.line}: {where.current_element}: {f}, in a structure")

@foreign@
expression p;
position at != {moved.at, kept.at, assigned.at, declared.at};
@@

(
kunmap_local@at(p);
|
kunmap_atomic@at(p);
|
folio_release_kmap@at(..., p);
|
unmap_and_put_page@at(..., p);
)

@script:python@
p << foreign.p;
at << foreign.at;
@@

where = at[0]
print(f"{where.file}:{where.line}: {where.current_element}: {p}, mapped elsewhere")
