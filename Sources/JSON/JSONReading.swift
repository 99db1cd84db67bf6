internal import CJSONC

/// Why a text is not a JSON document.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// What is wrong, with the byte where it was noticed.
  public var description: String
}

extension JSONValue {
  /// Reads a whole JSON document: strict syntax, nesting up to `maximumDepth`, nothing after it.
  ///
  /// json-c keeps the last of two equal keys and clamps integers beyond 64 bits; files where that
  /// matters (the header of a safetensors file) have a reader of their own.
  public init(parsing text: RawSpan, maximumDepth: Int = 64) throws(JSONError) {
    guard let tokener = unsafe json_tokener_new_ex(Int32(maximumDepth)) else {
      throw JSONError(description: "out of memory")
    }
    defer { unsafe json_tokener_free(tokener) }
    unsafe json_tokener_set_flags(
      tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8)
    guard text.byteCount > 0, text.byteCount < Int(Int32.max) else {
      throw JSONError(description: text.byteCount == 0 ? "empty document" : "document over 2 GB")
    }
    let root = unsafe text.withUnsafeBytes { bytes in
      unsafe json_tokener_parse_ex(
        tokener, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
    }
    defer { unsafe json_object_put(root) }
    let status = unsafe json_tokener_get_error(tokener)
    guard status == json_tokener_success else {
      let reason =
        status == json_tokener_continue
        ? "document ends early" : unsafe String(cString: json_tokener_error_desc(status))
      throw JSONError(
        description: "\(reason) at byte \(unsafe json_tokener_get_parse_end(tokener))")
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
    case json_type_int: self = .integer(unsafe json_object_get_int64(value))
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

  /// The text of a string value, which may hold NUL characters.
  private static func text(of value: OpaquePointer?) -> String {
    let count = Int(unsafe json_object_get_string_len(value))
    guard let start = unsafe json_object_get_string(value) else { return "" }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
