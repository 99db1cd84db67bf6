internal import CJSONC

extension JSONValue {
  /// Reads a whole JSON document: strict syntax and UTF-8, nesting up to `maximumDepth`, no key
  /// twice in one object, nothing after the value.
  ///
  /// Integers beyond 64 bits come as numbers (json-c keeps them up to 2^64, larger ones become
  /// 2^64); a caller that needs them exactly must not take them from here.
  public init(parsing text: RawSpan, maximumDepth: Int = 64) throws(JSONError) {
    // json-c keeps the last of two equal keys, ends keys at a NUL, and makes U+FFFD of half a
    // surrogate pair: what it would hide is refused first.
    var scanner = try JSONScanner(text)
    scanner.skipSpace()
    if scanner.position == text.byteCount { throw JSONError(.empty, byte: scanner.position) }
    try scanner.skipValue(maximumDepth: maximumDepth, checkingKeys: true)
    try scanner.expectEnd()
    try self.init(parsingTrusted: text, maximumDepth: maximumDepth)
  }

  /// Reads a document of our own, of which tests make sure that it has nothing that json-c would hide:
  /// what ``init(parsing:maximumDepth:)`` looks for beforehand. Every start of a program reads some.
  package init(parsingTrusted text: RawSpan, maximumDepth: Int = 64) throws(JSONError) {
    guard text.byteCount < Int(Int32.max) else {
      throw JSONError(.tooLong(limit: Int(Int32.max) - 1), byte: 0)
    }
    // One level more: json-c counts the scalars inside the innermost brackets.
    guard let tokener = unsafe json_tokener_new_ex(Int32(maximumDepth + 1)) else {
      throw JSONError(.syntax("out of memory"), byte: 0)
    }
    defer { unsafe json_tokener_free(tokener) }
    unsafe json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8)
    var root = unsafe text.withUnsafeBytes { bytes in
      unsafe json_tokener_parse_ex(
        tokener, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
    }
    if unsafe json_tokener_get_error(tokener) == json_tokener_continue {
      // A number at the very end could go on: show json-c that it doesn't.
      unsafe root = unsafe json_tokener_parse_ex(tokener, " ", 1)
    }
    defer { unsafe json_object_put(root) }
    let status = unsafe json_tokener_get_error(tokener)
    guard status == json_tokener_success else {
      throw JSONError(
        .syntax(unsafe String(cString: json_tokener_error_desc(status))),
        byte: unsafe json_tokener_get_parse_end(tokener))
    }
    self = unsafe JSONValue(root)
  }

  /// Reads a JSON document held in a string.
  public init(parsing text: String) throws(JSONError) {
    let bytes = Array(text.utf8)
    self = unsafe try JSONValue(parsing: bytes.span.bytes)
  }

  private init(_ value: OpaquePointer?) {
    let type = unsafe json_object_get_type(value)
    switch type {
    case json_type_boolean: self = .bool(unsafe json_object_get_boolean(value) != 0)
    case json_type_double: self = .number(unsafe json_object_get_double(value))
    case json_type_int: self = unsafe JSONValue(integer: value)
    case json_type_string: self = .string(unsafe JSONValue.text(of: value))
    case json_type_array:
      let count = unsafe json_object_array_length(value)
      self = .array((0..<count).map { unsafe JSONValue(json_object_array_get_idx(value, $0)) })
    case json_type_object:
      var members: [JSONObject.Member] = []
      var iterator = unsafe json_object_iter_begin(value)
      var end = unsafe json_object_iter_end(value)
      while unsafe json_object_iter_equal(&iterator, &end) == 0 {
        members.append(
          JSONObject.Member(
            key: unsafe String(cString: json_object_iter_peek_name(&iterator)),
            value: unsafe JSONValue(json_object_iter_peek_value(&iterator))))
        unsafe json_object_iter_next(&iterator)
      }
      self = .object(JSONObject(members))
    default: self = .null
    }
  }

  private init(integer value: OpaquePointer?) {
    let unsigned = unsafe json_object_get_uint64(value)
    self =
      if unsigned > UInt64(Int64.max) {
        .number(Double(unsigned))
      } else {
        .integer(unsafe json_object_get_int64(value))
      }
  }

  /// The text of a string value, which may hold NUL characters.
  private static func text(of value: OpaquePointer?) -> String {
    let count = Int(unsafe json_object_get_string_len(value))
    guard let start = unsafe json_object_get_string(value) else { return "" }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
