internal import Text

/// A JSON value, as read from a document or to be written to one.
///
/// Integers and other numbers are kept apart, so that `4` and `4.0` in a configuration are told
/// from each other and large integers never pass through a `Double`.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object, in the order of the document.
///
/// Keys are compared as UTF-8 bytes: Swift's own `String` comparison would let a composed and a
/// decomposed letter stand for one key.
public struct JSONObject: Sendable, Equatable {
  /// One member of an object.
  public struct Member: Sendable, Equatable {
    /// The member's key.
    public var key: String
    /// The member's value.
    public var value: JSONValue

    /// A member with that key and value.
    public init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }

    /// Whether both keys have the same bytes and the values are equal.
    public static func == (left: Member, right: Member) -> Bool {
      left.key.sameBytes(as: right.key) && left.value == right.value
    }
  }

  /// The members, in order.
  public private(set) var members: [Member]

  /// An object with these members; equal keys are the caller's mistake.
  public init(_ members: [Member] = []) { self.members = members }

  /// The value of a key, or nil. Setting appends a new key at the end; setting nil removes it.
  /// Takes time proportional to the number of members.
  public subscript(key: String) -> JSONValue? {
    get { members.first { $0.key.sameBytes(as: key) }?.value }
    set {
      let index = members.firstIndex { $0.key.sameBytes(as: key) }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object from a literal, members in the order written.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements.map { Member(key: $0.0, value: $0.1) })
  }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
  ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral
{
  /// An object, members in the order written.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
  }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Typed access: each is nil when the value is of another kind.
extension JSONValue {
  /// The object's members.
  public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
  /// The array's elements.
  public var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }
  /// The text of a string.
  public var string: String? { if case .string(let string) = self { string } else { nil } }
  /// The truth value.
  public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  /// The integer; a number with a decimal point is not one.
  public var integer: Int? {
    if case .integer(let integer) = self { Int(exactly: integer) } else { nil }
  }
  /// The integer or number as a `Double`.
  public var double: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    default: nil
    }
  }
  /// The value of a key of an object; nil for any other kind of value.
  public subscript(key: String) -> JSONValue? { object?[key] }
}
