public import JSON
public import SystemPackage

extension Fixtures {
  /// The text of a file.
  public static func text(_ path: FilePath) throws -> String {
    let descriptor = try FileDescriptor.open(path, .readOnly)
    return try descriptor.closeAfter {
      var bytes: [UInt8] = []
      var block = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = try unsafe block.withUnsafeMutableBytes {
          unsafe try descriptor.read(into: $0)
        }
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += block.prefix(count)
      }
    }
  }
}

extension Goldens {
  /// A JSON file of one family's recording, such as `captions.json`.
  public static func json(_ family: String, _ file: String) throws -> JSONValue {
    try JSONValue(parsing: Fixtures.text(folder(family).appending(file)))
  }
}
