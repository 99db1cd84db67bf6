/// A version of PyTorch.
package struct TorchVersion: Comparable, CustomStringConvertible {
  package let major: Int
  package let minor: Int
  package let patch: Int

  /// The oldest whose C interface has what is called: `torch_call_dispatcher` and
  /// `aoti_torch_aten_subtract_Tensor` came with it.
  ///
  /// Source: pytorch/pytorch, `torch/csrc/stable/c/shim_function_versions.txt`.
  package static let oldest = TorchVersion(major: 2, minor: 10, patch: 0)
  /// The newest that was tried.
  package static let newest = TorchVersion(major: 2, minor: 15, patch: 0)

  init(major: Int, minor: Int, patch: Int) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// The version of a text such as `2.13.0+cpu` or `2.15.0a0`.
  package init?(_ text: some StringProtocol) {
    let numbers = text.split(separator: ".", maxSplits: 2).map { part in
      Int(part.prefix { $0.isASCII && $0.isNumber })
    }
    guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(major: major, minor: minor, patch: numbers.count > 2 ? numbers[2] ?? 0 : 0)
  }

  /// The version in the C interface's form.
  init(code: Int) { self.init(major: code / 10000, minor: code / 100 % 100, patch: code % 100) }

  package static func < (a: TorchVersion, b: TorchVersion) -> Bool {
    (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
  }

  package var description: String {
    "\(major).\(minor).\(patch)"
  }
}
