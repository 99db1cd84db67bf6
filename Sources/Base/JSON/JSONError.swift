/// Why a text is not a JSON document, and the byte where that shows.
public struct JSONError: Error, Equatable {
  /// What is wrong.
  public enum Fault: Equatable, Sendable {
    /// Nothing but white space.
    case empty
    /// The text ends inside a value.
    case endsEarly
    /// Something else stands where this must.
    case expected(String)
    /// Bytes that are not UTF-8.
    case invalidUTF8
    /// A control character in a string that isn't escaped.
    case controlCharacter
    /// A backslash before something that JSON doesn't know.
    case invalidEscape
    /// Half of a UTF-16 pair, which is no character.
    case loneSurrogate
    /// A number that doesn't fit its type.
    case numberOutOfRange
    /// More brackets inside each other than the reader allows.
    case tooDeep(limit: Int)
    /// Text after the document.
    case trailingText
    /// A key that stands twice in one object.
    case duplicateKey(String)
    /// A key with a NUL character, where the key would be cut.
    case nulInKey
    /// More bytes than the reader allows.
    case tooLong(limit: Int)
    /// What json-c says.
    case syntax(String)
  }

  /// What is wrong.
  public let fault: Fault
  /// Where, counted from the start of the text.
  public let byte: Int

  /// A fault at a byte.
  public init(_ fault: Fault, byte: Int) {
    self.fault = fault
    self.byte = byte
  }
}

extension JSONError: CustomStringConvertible {
  /// What is wrong, with the byte where it was noticed.
  public var description: String { "\(fault) at byte \(byte)" }
}

extension JSONError.Fault: CustomStringConvertible {
  /// What is wrong.
  public var description: String {
    switch self {
    case .empty: "no JSON value"
    case .endsEarly: "JSON ends early"
    case .expected(let what): "invalid JSON: expected \(what)"
    case .invalidUTF8: "invalid UTF-8"
    case .controlCharacter: "invalid JSON: control character that is not escaped"
    case .invalidEscape: "invalid JSON: unknown escape"
    case .loneSurrogate: "invalid JSON: half of a surrogate pair"
    case .numberOutOfRange: "invalid JSON: number out of range"
    case .tooDeep(let limit): "JSON nested deeper than \(limit)"
    case .trailingText: "text after the JSON value"
    case .duplicateKey(let key): "key '\(key)' given twice in one JSON object"
    case .nulInKey: "key with a NUL character in a JSON object"
    case .tooLong(let limit): "JSON text over \(limit) bytes"
    case .syntax(let reason): "invalid JSON: \(reason)"
    }
  }
}
