public import AdapterAlgebra
internal import Adapters
public import Failures
public import SystemPackage

/// Why adapters can't be merged.
public enum MergeError: Error {
  /// Adapters can't be combined, or made of two checkpoints; files that the error doesn't name.
  case algebra(AlgebraError, files: [FilePath] = [])
  /// Modules of an adapter have no place in the base, or another shape there; whether these can be left out.
  case modulesDontLand(
    adapter: FilePath, base: FilePath, moduleCount: Int, modules: [Misfit], mayLeaveOut: Bool)
  /// An adapter was made for another family.
  case otherFamily(adapter: FilePath, adapterFamily: String, base: FilePath, baseFamily: String)
  /// A weight's dtype can't be computed with.
  case unsupportedDType(base: FilePath, tensor: String, found: String)
  /// Adapters were made for different families.
  case familiesDiffer(file: FilePath, family: String, other: FilePath, otherFamily: String)
  /// What adapters add to a module is beyond float32.
  case overflow(base: FilePath, module: String, adapters: [FilePath])
  /// Two adapters each put values of their own in a parameter's place.
  case replacedTwice(adapter: FilePath, parameter: String)
  /// What is to be undone is not what the undo file takes back.
  case otherMerge(file: FilePath, undo: FilePath, name: String, expected: String, found: String)
  /// Experts of a bundle need a phase each, and these don't have one or have the same.
  case phasesClash(phase: String?, files: [FilePath])
  /// No adapter serves a phase that was asked for.
  case noExpert(phase: String, found: [String])
  /// Rounding would lose too much.
  case tooLittleSurvives(survival: Double, wanted: Double, dtype: String)
  /// Files or folders can't be made.
  case cannotCreate(file: FilePath, reason: Errno)
  /// What was asked for makes no sense.
  case usage(String)

  /// A module of an adapter that doesn't go with a base.
  public struct Misfit: Sendable {
    /// Its path, and what the adapter calls it where that isn't the same; of a bias or of what is no LoRA the
    /// parameter's name.
    let name: String
    /// The shape of the adapter's, and the base's, with nil for an axis that isn't known; nil where the base has no
    /// such module.
    let shapes: (found: [Int], expected: [Int?])?
  }
}

extension MergeError: ClassifiedError, CustomStringConvertible {
  /// One line: file, what was expected, what was found, what to do.
  public var description: String {
    switch self {
    case .algebra(let error, let files): (files.isEmpty ? "" : list(files) + ": ") + "\(error)"
    case .modulesDontLand(let adapter, let base, let count, let modules, let mayLeaveOut):
      "\(adapter): "
        + [
          sentence(modules.filter { $0.shapes == nil }, of: count, "have no place in \(base)"),
          sentence(modules.filter { $0.shapes != nil }, of: count, "have another shape in \(base)"),
        ].compactMap(\.self).joined(separator: "; ")
        + (mayLeaveOut ? "; --partial merges the others" : "")
    case .otherFamily(let adapter, let adapterFamily, let base, let baseFamily):
      "\(adapter): an adapter for \(adapterFamily), but \(base) is \(baseFamily)"
    case .unsupportedDType(let base, let tensor, let found):
      "\(base): tensor '\(tensor)': a merge into \(found) is not supported; take a base in bf16, "
        + "f16 or f32"
    case .familiesDiffer(let file, let family, let other, let otherFamily):
      "\(file): an adapter for \(family), but \(other) is one for \(otherFamily)"
    case .overflow(let base, let module, let adapters):
      "\(list(adapters)): changes module '\(module)' of \(base) by more than float32 holds; is the "
        + "adapter damaged, or its strength too large?"
    case .replacedTwice(let adapter, let parameter):
      "\(adapter): replaces '\(parameter)', which another adapter replaces too; bake one of them alone"
    case .otherMerge(let file, let undo, let name, let expected, let found):
      "\(file): not the merge that \(undo) takes back, which was called '\(name)': expected "
        + "\(expected), found \(found)"
    case .phasesClash(let phase?, let files):
      "\(list(files)): all serve phase '\(phase)', and a bundle has one expert for each phase; say "
        + "which serves which: slow=FILE fast=FILE"
    case .phasesClash(nil, let files):
      "\(list(files)): declares no phase, which every expert of a bundle needs; say it: slow=FILE"
    case .noExpert(let phase, let found):
      "no adapter for phase '\(phase)', found "
        + (found.isEmpty ? "none that declares a phase" : found.joined(separator: ", "))
        + "; name it on the command line: \(phase)=FILE"
    case .tooLittleSurvives(let survival, let wanted, let dtype):
      "rounding to \(dtype) leaves the adapter at a cosine of \(decimals(survival, below: wanted)), "
        + "less than --min-survival \(wanted); write \(dtype == "F16" ? "f32" : "f32 or f16") with "
        + "--dtype, or keep the adapter beside the base (--mode bundle)"
    case .cannotCreate(let file, let reason): "\(file): cannot create: \(reason)"
    case .usage(let detail): detail
    }
  }

  /// That of the error inside, or by what went wrong.
  public var failureKind: FailureKind {
    switch self {
    case .algebra(let error, _): kind(error)
    case .modulesDontLand, .otherFamily, .familiesDiffer, .unsupportedDType, .overflow,
      .replacedTwice, .otherMerge, .noExpert, .tooLittleSurvives:
      .wrongData
    case .cannotCreate(_, .noSpace): .inputOutput
    case .cannotCreate: .outputRefused
    case .phasesClash, .usage: .usage
    }
  }
}

private func kind(_ error: any Error) -> FailureKind {
  (error as? any ClassifiedError)?.failureKind ?? .wrongData
}

/// What modules have in common; nil for none.
private func sentence(_ modules: [MergeError.Misfit], of count: Int, _ text: String) -> String? {
  if modules.isEmpty { return nil }
  return "\(modules.count) of \(count) modules \(text): "
    + modules.prefix(10).map { "\($0)" }.joined(separator: ", ")
    + (modules.count > 10 ? " and \(modules.count - 10) more" : "")
}

extension MergeError.Misfit: CustomStringConvertible {
  /// Its name, and what shape was expected.
  public var description: String {
    guard let (found, expected) = shapes else { return name }
    let sizes = expected.map { $0.map(String.init) ?? "?" }.joined(separator: ", ")
    return "\(name) \(found), expected [\(sizes)]"
  }
}

private func list(_ files: [FilePath]) -> String {
  files.map(\.string).joined(separator: ", ")
}

/// A number with three decimals, or as many more as it takes to be less than another.
private func decimals(_ value: Double, below limit: Double) -> String {
  var power = 1000.0
  while power < 1e15 {
    let rounded = (value * power).rounded() / power
    if rounded < limit { return "\(rounded)" }
    power *= 10
  }
  return "\(value)"
}
