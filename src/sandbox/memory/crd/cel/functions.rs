//! The functions that rules may call, by their signatures: cel-go's standard library and its
//! extensions, and Kubernetes' own (`pkg/cel/environment/base.go` of apiserver).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::types::Type;

/// One way to call a function. The receiver of a method is the first argument.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) is_method: bool,
    args: Vec<Shape>,
    result: Shape,
}

/// A type in a signature, which outlives every schema.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Simple(&'static str),
    Opaque(&'static str),
    Param(char),
    List(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Optional(Box<Shape>),
    Type(Box<Shape>),
}

impl Overload {
    pub(super) fn args<'a>(&self) -> Vec<Type<'a>> {
        self.args.iter().map(Shape::to_type).collect()
    }

    pub(super) fn result<'a>(&self) -> Type<'a> {
        self.result.to_type()
    }
}

impl Shape {
    fn to_type<'a>(&self) -> Type<'a> {
        let boxed = |shape: &Shape| std::rc::Rc::new(shape.to_type());
        match self {
            Shape::Simple(name) => match *name {
                "bool" => Type::Bool,
                "int" => Type::Int,
                "uint" => Type::Uint,
                "double" => Type::Double,
                "string" => Type::Text,
                "bytes" => Type::Bytes,
                "timestamp" => Type::Timestamp,
                "duration" => Type::Duration,
                "null" => Type::Null,
                _ => Type::Dyn,
            },
            Shape::Opaque(name) => Type::Opaque(name),
            Shape::Param(name) => Type::Param(*name),
            Shape::List(item) => Type::List(boxed(item)),
            Shape::Map(key, value) => Type::Map(std::rc::Rc::new((key.to_type(), value.to_type()))),
            Shape::Optional(inner) => Type::Optional(boxed(inner)),
            Shape::Type(inner) => Type::Meta(boxed(inner)),
        }
    }
}

/// The ways to call a function; `None` when there is none of that name.
pub(super) fn overloads(name: &str) -> Option<&'static [Overload]> {
    static ALL: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(read_all);
    ALL.get(name).map(Vec::as_slice)
}

/// `FUNCTION SIGNATURE; SIGNATURE...`; a signature with a dot before it is a method's.
const SIGNATURES: &str = "
_?_:_ bool A A -> A
_&&_ bool bool -> bool
_||_ bool bool -> bool
!_ bool -> bool
@in A list(A) -> bool; A map(A,B) -> bool
_==_ A A -> bool
_!=_ A A -> bool
_+_ bytes bytes -> bytes; double double -> double; duration duration -> duration; duration timestamp -> timestamp; timestamp duration -> timestamp; int int -> int; list(A) list(A) -> list(A); string string -> string; uint uint -> uint
_-_ double double -> double; duration duration -> duration; int int -> int; timestamp duration -> timestamp; timestamp timestamp -> duration; uint uint -> uint
_*_ double double -> double; int int -> int; uint uint -> uint
_/_ double double -> double; int int -> int; uint uint -> uint
_%_ int int -> int; uint uint -> uint
-_ double -> double; int -> int
_[_] list(A) int -> A; map(A,B) A -> B; optional(list(A)) int -> optional(A); optional(map(A,B)) A -> optional(B)
_[?_] list(A) int -> optional(A); optional(list(A)) int -> optional(A); map(A,B) A -> optional(B); optional(map(A,B)) A -> optional(B)
size bytes -> int; .bytes -> int; list(A) -> int; .list(A) -> int; map(A,B) -> int; .map(A,B) -> int; string -> int; .string -> int
type A -> type(A)
bool bool -> bool; string -> bool
bytes bytes -> bytes; string -> bytes
double double -> double; int -> double; string -> double; uint -> double
duration duration -> duration; int -> duration; string -> duration
dyn A -> dyn
int int -> int; double -> int; duration -> int; string -> int; timestamp -> int; uint -> int
string string -> string; bool -> string; bytes -> string; double -> string; duration -> string; int -> string; timestamp -> string; uint -> string; .net.IP -> string; net.IP -> string; .net.CIDR -> string; net.CIDR -> string
timestamp timestamp -> timestamp; int -> timestamp; string -> timestamp
uint uint -> uint; double -> uint; int -> uint; string -> uint
contains .string string -> bool
endsWith .string string -> bool
startsWith .string string -> bool
matches string string -> bool; .string string -> bool
getFullYear .timestamp -> int; .timestamp string -> int
getMonth .timestamp -> int; .timestamp string -> int
getDayOfYear .timestamp -> int; .timestamp string -> int
getDate .timestamp -> int; .timestamp string -> int
getDayOfMonth .timestamp -> int; .timestamp string -> int
getDayOfWeek .timestamp -> int; .timestamp string -> int
getHours .timestamp -> int; .timestamp string -> int; .duration -> int
getMinutes .timestamp -> int; .timestamp string -> int; .duration -> int
getSeconds .timestamp -> int; .timestamp string -> int; .duration -> int
getMilliseconds .timestamp -> int; .timestamp string -> int; .duration -> int
optional.of A -> optional(A)
optional.ofNonZeroValue A -> optional(A)
optional.none -> optional(A)
value .optional(A) -> A
hasValue .optional(A) -> bool
optional.unwrap list(optional(A)) -> list(A)
unwrapOpt .list(optional(A)) -> list(A)
first .list(A) -> optional(A)
last .list(A) -> optional(A)
or .optional(A) optional(A) -> optional(A)
orValue .optional(A) A -> A
charAt .string int -> string
indexOf .string string -> int; .string string int -> int; .list(A) A -> int
lastIndexOf .string string -> int; .string string int -> int; .list(A) A -> int
lowerAscii .string -> string
upperAscii .string -> string
replace .string string string -> string; .string string string int -> string
split .string string -> list(string); .string string int -> list(string)
substring .string int -> string; .string int int -> string
trim .string -> string
format .string list(dyn) -> string
strings.quote string -> string
join .list(string) -> string; .list(string) string -> string
sets.contains list(A) list(A) -> bool
sets.equivalent list(A) list(A) -> bool
sets.intersects list(A) list(A) -> bool
find .string string -> string
findAll .string string -> list(string); .string string int -> list(string)
isSorted .list(int) -> bool; .list(uint) -> bool; .list(double) -> bool; .list(bool) -> bool; .list(duration) -> bool; .list(timestamp) -> bool; .list(string) -> bool; .list(bytes) -> bool
sum .list(int) -> int; .list(uint) -> uint; .list(double) -> double; .list(duration) -> duration
max .list(int) -> int; .list(uint) -> uint; .list(double) -> double; .list(bool) -> bool; .list(duration) -> duration; .list(timestamp) -> timestamp; .list(string) -> string; .list(bytes) -> bytes
min .list(int) -> int; .list(uint) -> uint; .list(double) -> double; .list(bool) -> bool; .list(duration) -> duration; .list(timestamp) -> timestamp; .list(string) -> string; .list(bytes) -> bytes
slice .list(A) int int -> list(A)
flatten .list(list(A)) -> list(A); .list(dyn) int -> list(dyn)
sort .list(int) -> list(int); .list(uint) -> list(uint); .list(double) -> list(double); .list(bool) -> list(bool); .list(duration) -> list(duration); .list(timestamp) -> list(timestamp); .list(string) -> list(string); .list(bytes) -> list(bytes)
lists.range int -> list(int)
reverse .list(A) -> list(A)
distinct .list(A) -> list(A)
url string -> kubernetes.URL
isURL string -> bool
getScheme .kubernetes.URL -> string
getHost .kubernetes.URL -> string
getHostname .kubernetes.URL -> string
getPort .kubernetes.URL -> string
getEscapedPath .kubernetes.URL -> string
getQuery .kubernetes.URL -> map(string,list(string))
ip string -> net.IP; .net.CIDR -> net.IP
isIP string -> bool
ip.isCanonical string -> bool
family .net.IP -> int
isUnspecified .net.IP -> bool
isLoopback .net.IP -> bool
isLinkLocalMulticast .net.IP -> bool
isLinkLocalUnicast .net.IP -> bool
isGlobalUnicast .net.IP -> bool
cidr string -> net.CIDR
isCIDR string -> bool
containsIP .net.CIDR string -> bool; .net.CIDR net.IP -> bool
containsCIDR .net.CIDR string -> bool; .net.CIDR net.CIDR -> bool
prefixLength .net.CIDR -> int
masked .net.CIDR -> net.CIDR
quantity string -> kubernetes.Quantity
isQuantity string -> bool
sign kubernetes.Quantity -> int
isGreaterThan .kubernetes.Quantity kubernetes.Quantity -> bool; .kubernetes.Semver kubernetes.Semver -> bool
isLessThan .kubernetes.Quantity kubernetes.Quantity -> bool; .kubernetes.Semver kubernetes.Semver -> bool
compareTo .kubernetes.Quantity kubernetes.Quantity -> int; .kubernetes.Semver kubernetes.Semver -> int
asApproximateFloat .kubernetes.Quantity -> double
asInteger .kubernetes.Quantity -> int
isInteger .kubernetes.Quantity -> bool
add .kubernetes.Quantity kubernetes.Quantity -> kubernetes.Quantity; .kubernetes.Quantity int -> kubernetes.Quantity
sub .kubernetes.Quantity kubernetes.Quantity -> kubernetes.Quantity; .kubernetes.Quantity int -> kubernetes.Quantity
semver string -> kubernetes.Semver; string bool -> kubernetes.Semver
isSemver string -> bool; string bool -> bool
major .kubernetes.Semver -> int
minor .kubernetes.Semver -> int
patch .kubernetes.Semver -> int
validate .kubernetes.NamedFormat string -> optional(list(string))
format.named string -> optional(kubernetes.NamedFormat)
format.dns1123Label -> kubernetes.NamedFormat
format.dns1123Subdomain -> kubernetes.NamedFormat
format.dns1035Label -> kubernetes.NamedFormat
format.qualifiedName -> kubernetes.NamedFormat
format.dns1123LabelPrefix -> kubernetes.NamedFormat
format.dns1123SubdomainPrefix -> kubernetes.NamedFormat
format.dns1035LabelPrefix -> kubernetes.NamedFormat
format.labelValue -> kubernetes.NamedFormat
format.uri -> kubernetes.NamedFormat
format.uuid -> kubernetes.NamedFormat
format.byte -> kubernetes.NamedFormat
format.date -> kubernetes.NamedFormat
format.datetime -> kubernetes.NamedFormat
";

/// Types that can be compared by `<` and the like with others of their own, and numbers with each
/// other.
const ORDERED: [&str; 8] = [
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "timestamp",
    "duration",
];
const NUMBERS: [&str; 3] = ["int", "uint", "double"];

fn read_all() -> HashMap<&'static str, Vec<Overload>> {
    let mut all: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for line in SIGNATURES.lines().filter(|line| !line.is_empty()) {
        let (name, signatures) = line.split_once(' ').unwrap_or((line, ""));
        let read = signatures.split(';').map(|text| overload(text.trim()));
        all.entry(name).or_default().extend(read);
    }
    for name in ["_<_", "_<=_", "_>_", "_>=_"] {
        let own = ORDERED.into_iter().map(|type_| (type_, type_));
        let mixed = NUMBERS.into_iter().flat_map(|a| NUMBERS.map(|b| (a, b)));
        let pairs = own.chain(mixed.filter(|(a, b)| a != b));
        let compare = |(left, right)| Overload {
            is_method: false,
            args: vec![Shape::Simple(left), Shape::Simple(right)],
            result: Shape::Simple("bool"),
        };
        all.insert(name, pairs.map(compare).collect());
    }
    all
}

fn overload(text: &'static str) -> Overload {
    let (args, result) = text.split_once("->").unwrap_or((text, "dyn"));
    let (args, is_method) = match args.trim().strip_prefix('.') {
        Some(args) => (args, true),
        None => (args, false),
    };
    Overload {
        is_method,
        args: args.split_whitespace().map(shape).collect(),
        result: shape(result.trim()),
    }
}

fn shape(text: &'static str) -> Shape {
    let Some((name, inner)) = text.split_once('(') else {
        return match text.chars().next() {
            Some(param) if text.len() == 1 => Shape::Param(param),
            _ if text.contains('.') => Shape::Opaque(text),
            _ => Shape::Simple(text),
        };
    };
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    match name {
        "list" => Shape::List(Box::new(shape(inner))),
        "optional" => Shape::Optional(Box::new(shape(inner))),
        "type" => Shape::Type(Box::new(shape(inner))),
        _ => {
            let (key, value) = inner.split_once(',').unwrap_or((inner, "dyn"));
            Shape::Map(Box::new(shape(key)), Box::new(shape(value)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_is_read() {
        let find = overloads("getQuery").unwrap();
        assert!(find[0].is_method);
        assert_eq!(
            find[0].result,
            Shape::Map(
                Box::new(Shape::Simple("string")),
                Box::new(Shape::List(Box::new(Shape::Simple("string"))))
            )
        );
        assert_eq!(overloads("_<_").unwrap().len(), 14);
        assert!(overloads("optional.none").unwrap()[0].args.is_empty());
        assert!(overloads("math.greatest").is_none());
    }
}
