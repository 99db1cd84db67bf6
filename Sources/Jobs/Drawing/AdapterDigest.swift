internal import Files
internal import SystemPackage

/// The SHA-256 of an adapter's file, in hexadecimal digits: what tells that pictures were drawn with the same one.
///
/// - Throws: ``FileError/readFailed(file:reason:)``.
func adapterDigest(of file: FilePath) throws(FileError) -> String {
  do throws(Errno) { return try SHA256.hexadecimal(of: file) } catch {
    throw .readFailed(file: file, reason: error)
  }
}
