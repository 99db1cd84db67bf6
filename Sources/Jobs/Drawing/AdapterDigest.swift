internal import Adapters
internal import Files
internal import SystemPackage

/// The SHA-256 of an adapter's file, the one inside where its folder was named, in hexadecimal digits: what
/// tells that pictures were drawn with the same one.
///
/// - Throws: ``FileError/readFailed(file:reason:)``.
func adapterDigest(of adapter: AdapterInput) throws(FileError) -> String {
  do throws(Errno) { return try SHA256.hexadecimal(of: adapter.file) } catch {
    throw .readFailed(file: adapter.file, reason: error)
  }
}
