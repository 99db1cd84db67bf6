public import Failures
internal import SystemPackage

/// The kind of failure of any error.
///
/// An error that doesn't say is taken for wrong data: nearly all that libraries throw is about the
/// content of a file.
public func failureKind(of error: any Error) -> FailureKind {
  switch error {
  case let error as any ClassifiedError: error.failureKind
  case let error as Errno: failureKind(of: error)
  default: .wrongData
  }
}

private func failureKind(of error: Errno) -> FailureKind {
  switch error {
  case .noSuchFileOrDirectory, .permissionDenied, .notPermitted, .notDirectory, .isDirectory,
    .tooManySymbolicLinkLevels, .fileNameTooLong, .noSuchAddressOrDevice:
    .inputMissing
  case .fileExists, .readOnlyFileSystem: .outputRefused
  case .noMemory: .unavailable
  default: .inputOutput
  }
}
