internal import Checkpoints
internal import Text

/// A module's name in an adapter file taken apart.
struct StemParts {
  /// What stands before the path.
  let prefix: AdapterDialects.Prefix
  /// The path as the file has it, without what wrappers left in it.
  let path: String
  /// What wrappers left in the name: `_orig_mod`, `base_layer`.
  let wrappers: [String]
}

extension AdapterDialects {
  /// What ``split(stem:)`` gives.
  ///
  /// What wrappers of a model leave in names carries no meaning: `_orig_mod` of torch.compile, `module`
  /// of DistributedDataParallel, `base_layer` of an adapter that was there already. Trainers that
  /// write underscores for dots make them of those, too, and some end in one.
  ///
  /// Source: kohya-ss/sd-scripts, `networks/lora.py` (`lora_name.replace(".", "_")`);
  /// huggingface/peft, `tuners/tuners_utils.py` (`base_layer`).
  func parts(of stem: String) -> StemParts {
    let seen = WrapperSegments.shared.withoutInner(stem)
    let name = seen?.name ?? stem
    var wrappers = seen?.segments ?? []
    // The table ends with the empty prefix.
    let prefix = prefixes.first { name.utf8HasPrefix($0.text) } ?? prefixes[prefixes.count - 1]
    if let wrapper = prefix.wrapper { wrappers.append(wrapper) }
    var path = String(Substring(name.utf8.dropFirst(prefix.text.utf8.count)))
    for wrapper in self.wrappers where wrapper.separator == prefix.separator {
      let count = wrapper.text.utf8.count
      guard path.utf8.count > count,
        let start = wrapper.isEnding
          ? path.utf8HasSuffix(wrapper.text) ? path.utf8.count - count : nil
          : path.utf8Offset(of: wrapper.text)
      else { continue }
      path =
        String(Substring(path.utf8.prefix(start)))
        + String(Substring(path.utf8.dropFirst(start + count)))
      wrappers.append(wrapper.name)
    }
    return StemParts(prefix: prefix, path: path, wrappers: wrappers)
  }
}
