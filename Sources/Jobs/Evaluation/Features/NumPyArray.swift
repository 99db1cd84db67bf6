internal import Files
internal import SystemPackage

/// A file with one array as NumPy saves it, of little-endian floats.
///
/// **Source:** NumPy, `numpy/lib/format.py`, "Format Version 1.0" to "3.0".
struct NumPyArray {
  /// Sizes of the axes.
  let shape: [Int]
  /// The elements, row after row.
  let values: [Double]

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Reads a file.
  ///
  /// - Throws: when it can't be read, or isn't such an array.
  init(reading file: FilePath) throws {
    let bytes = try readWhole(file, atMost: 1 << 34, takesPipes: false)
    func wrong(_ expected: String, _ found: String) -> EvaluationError {
      .wrongContent(file: file, expected: expected, found: found)
    }
    guard bytes.starts(with: Self.magic), bytes.count >= 12 else {
      throw wrong("an array as NumPy saves it", "other bytes at the beginning")
    }
    let lengthSize = bytes[6] == 1 ? 2 : 4
    let length = (0..<lengthSize).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthSize + length
    guard start <= bytes.count else { throw wrong("a whole header", "\(bytes.count) bytes") }
    let header = String(decoding: bytes[(8 + lengthSize)..<start], as: UTF8.self)
    guard let type = Self.value(of: "descr", in: header), ["'<f4'", "'<f8'"].contains(type) else {
      throw wrong(
        "little-endian floats ('<f4' or '<f8')", Self.value(of: "descr", in: header) ?? "none")
    }
    guard Self.value(of: "fortran_order", in: header) == "False" else {
      throw wrong("rows one after another", "fortran_order; save numpy.ascontiguousarray(a)")
    }
    guard let open = header.firstIndex(of: "("), let close = header.firstIndex(of: ")"),
      open < close
    else { throw wrong("a shape", "none") }
    let sizes = header[header.index(after: open)..<close].split(separator: ",")
      .map { Int($0.filter { $0 != " " }) }
    shape = sizes.compactMap(\.self)
    let size = type == "'<f4'" ? 4 : 8
    var count = 1
    for axis in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: axis)
      guard !overflow, axis >= 0, product <= bytes.count else {
        throw wrong("\(sizes.count) sizes that the file can hold", "\(shape)")
      }
      count = product
    }
    guard shape.count == sizes.count, bytes.count - start == count * size else {
      throw wrong("\(count * size) bytes of elements for shape \(shape)", "\(bytes.count - start)")
    }
    values = (0..<count).map { index in
      let first = start + index * size
      let bits = (0..<size).reduce(UInt64(0)) { $0 | UInt64(bytes[first + $1]) << (8 * UInt64($1)) }
      return size == 4
        ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) : Double(bitPattern: bits)
    }
  }

  /// What stands behind a key of the header, which is the text of a Python dictionary.
  private static func value(of key: String, in header: String) -> String? {
    guard let found = header.firstRange(of: "'\(key)':") else { return nil }
    let rest = header[found.upperBound...].drop { $0 == " " }
    return String(rest.prefix { $0 != "," && $0 != "}" })
  }
}
