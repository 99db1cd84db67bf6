package import Files
package import JSON
package import SystemPackage

/// The SHA-256 of adapters' files, in their order: what tells that pictures were drawn with the same ones.
///
/// - Throws: ``FileError/readFailed(file:reason:)``.
package func adapterDigests(of files: [FilePath]) throws(FileError) -> JSONValue {
  .array(
    try files.map { file throws(FileError) in
      do throws(Errno) { return .string(try SHA256.hexadecimal(of: file)) } catch {
        throw .readFailed(file: file, reason: error)
      }
    })
}
