import Caching
import Glibc
import Synchronization
import SystemPackage

/// What caches said.
final class Notices: Sendable {
  private let texts = Mutex<[String]>([])

  var all: [String] { texts.withLock { $0 } }

  /// A cache that remembers digests of small files too.
  func cache(
    in folder: FilePath, byteLimit: Int = 1_000_000, settlingSeconds: Int = 0
  ) -> ContentCache {
    ContentCache(
      folder: folder, byteLimit: byteLimit, settlingSeconds: settlingSeconds, largeByteCount: 0
    ) { text in self.texts.withLock { $0.append(text) } }
  }
}

/// Gives a file a time of its last change that is so many seconds ago.
func setAge(_ seconds: Int, of file: FilePath) throws {
  let past = timespec(tv_sec: time(nil) - seconds, tv_nsec: 0)
  guard unsafe utimensat(AT_FDCWD, file.string, [past, past], 0) == 0 else {
    throw Errno(rawValue: errno)
  }
}
