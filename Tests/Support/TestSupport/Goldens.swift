public import Safetensors
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Recordings of other implementations that parity suites compare with.
///
/// The folder that `GLANCE_GOLDENS` names is used when it is set, so that another recording of the
/// same layout can be put under the same suites; else the shipped copy in `Tests/Fixtures/goldens`.
public enum Goldens {
  /// The folder of one family's recording: `flux` or `qwen`.
  public static func folder(_ family: String) -> FilePath {
    if let set = unsafe getenv("GLANCE_GOLDENS"), unsafe set.pointee != 0 {
      return FilePath(unsafe String(cString: set)).appending(family)
    }
    return Fixtures.folder.appending("goldens").appending(family)
  }

  /// A file of one family's recording, such as `forward.safetensors`.
  public static func open(_ family: String, _ file: String) throws -> SafetensorsFile {
    try SafetensorsFile(opening: folder(family).appending(file))
  }
}

/// The files that tests read.
public enum Fixtures {
  /// `Tests/Fixtures` of this checkout.
  public static var folder: FilePath {
    // This file is Tests/Support/TestSupport/Goldens.swift.
    FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
      .appending("Fixtures")
  }

  /// A file of a case that users reported.
  public static func report(_ name: String, _ file: String) -> FilePath {
    folder.appending("reports").appending(name).appending(file)
  }

  /// The models that ship with the project: `models/tiny-flux` and its siblings.
  public static func model(_ name: String) -> FilePath {
    folder.removingLastComponent().removingLastComponent().appending("models").appending(name)
  }
}

/// Relative L2 error ‖found − expected‖ / ‖expected‖, summed in double precision; infinite when the
/// counts differ or a value is not finite.
public func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
  guard found.count == expected.count else { return .infinity }
  var difference = 0.0
  var norm = 0.0
  for (f, e) in zip(found, expected) {
    difference += (Double(f) - Double(e)) * (Double(f) - Double(e))
    norm += Double(e) * Double(e)
  }
  guard difference.isFinite else { return .infinity }
  return norm == 0 ? (difference == 0 ? 0 : .infinity) : (difference / norm).squareRoot()
}
