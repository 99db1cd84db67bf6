internal import Checkpoints
internal import Files
package import JSON
internal import SystemPackage

/// What lies beside an adapter file and says what it means: PEFT keeps alpha in a file of its own.
///
/// Source: huggingface/peft, `peft_model.py`, `save_pretrained`: `adapter_config.json` beside
/// `adapter_model.safetensors`.
package enum AdapterConfiguration: Sendable {
  /// There is none.
  case none
  /// The description of this file.
  case described(JSONValue)
  /// There is one for this file, and it can't be read.
  case unreadable(String)
  /// There is one, for a file of another name.
  case ofAnotherName

  /// What it says, where there is one for this file.
  var described: JSONValue? {
    if case .described(let json) = self { json } else { nil }
  }

  /// Looks beside a file.
  init(beside file: FilePath) {
    let keys = StatedScales.shared
    let isMeant = file.lastComponent.map { keys.describedNames.contains($0.string) } ?? false
    let path = file.removingLastComponent().appending(keys.configurationName)
    do {
      let json = try Configuration(reading: path).json
      self = isMeant ? .described(json) : .ofAnotherName
    } catch FileError.cannotOpen(_, .noSuchFileOrDirectory) {
      self = .none
    } catch {
      self = isMeant ? .unreadable("\(error)") : .ofAnotherName
    }
  }
}
